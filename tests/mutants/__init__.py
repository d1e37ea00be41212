"""Mutants of the SQL models: one change in one model each, which a golden case must notice.

`mutations` makes them, `trial` runs the golden cases on them, `same_query.csv` lists those that
give the same rows whatever is in the tables; `make mutants` tries all, the unit tests a few.
"""
