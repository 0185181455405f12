"""The parts of report.html. Every text goes through ElementTree, so none of them can become markup."""
