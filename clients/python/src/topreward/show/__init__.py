"""Shows the curves of an episode in other programs: ``topreward show``."""
