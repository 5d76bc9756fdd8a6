"""One panel for each of the six steps. They do not import each other."""
