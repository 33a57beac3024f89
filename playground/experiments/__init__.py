"""What a view computes with a model: walks, layer traces, attention maps, completions; a request and a generator of frames each.

Networks, losses and samplers are in ``models/``; training is in ``training/``.  No Qt.
"""
