"""The models: what each is, how it is fitted, and how a saved one predicts.

`catalog` lists them, `inference` is all that a prediction needs, `base` fits. Splits and scores do not belong here.
"""
