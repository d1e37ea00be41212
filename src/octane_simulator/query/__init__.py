"""The query language and the reads: text to a tree, to SQL, to the JSON of a page.

In: the parameters of a collection. Out: `Reader` with its pages, groups and single entities.
"""
