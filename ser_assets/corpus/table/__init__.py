"""A user's own corpus: a CSV, Excel or Parquet table that lists recordings, speakers and emotions.

From the file to checked rows; what is wrong is reported with line and column. Only `corpus.py` knows what a take is.
"""
