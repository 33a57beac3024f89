"""Formulas as they are set in books: drawn once into ``assets/formulas.json``, read from there by the window."""
