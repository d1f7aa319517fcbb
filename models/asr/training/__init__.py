"""How the shipped speech model is made: text, synthetic speech, sound encoder, spelling decoder, both joined, export.

Needs the extra `train` (torch, transformers) and the program `espeak-ng`; nothing here is used at run time.
See `models/cards/asr.md` for the recipe and `python -m models.asr.training --help` for the commands.
"""
