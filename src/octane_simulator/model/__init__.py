"""What the server's API speaks of: entity types, fields and relations, refusals, strict JSON.

In: data/field_model.json. Out: a `Schema`. Every other folder imports this one; it imports none.
"""
