"""What an update does not do again: tables, rows, counts and checks that nothing changed.

`table_changes` compares the lake with the warehouse, `changed_rows` has the ids of changed rows,
`previous_build` the results that stay; `build_start` joins them for `warehouse_build`.
"""
