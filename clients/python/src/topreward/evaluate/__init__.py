"""``topreward evaluate``: says how good the rewards of a model are, from episodes with labels."""
