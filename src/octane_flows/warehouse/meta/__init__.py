"""`meta.*`: what the warehouse tells about itself.

Each column is defined once, with its type, its meaning and how its value is taken from a record.
`meta_tables` lists all tables, `create_meta` fills them for `warehouse_build`.
"""
