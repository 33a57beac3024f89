"""How good pictures are that were made of other pictures: where the truth is known (``paired``), and of two styles (``unpaired``)."""
