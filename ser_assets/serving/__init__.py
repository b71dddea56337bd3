"""The champion in use: one portable folder (the bundle), and predictions from it.

`bundle`, `predictor`, `batch` and `withdrawn` run in the core install, without training code or the database.
`promotion` and `write_bundle` make the bundle and need the platform.
"""
