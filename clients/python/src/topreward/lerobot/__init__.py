"""What annotate and evaluate share: LeRobot datasets on this machine, and how many episodes are scored."""
