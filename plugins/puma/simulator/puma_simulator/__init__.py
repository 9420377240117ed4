"""A finance system that keeps books, for demonstrations and tests. It shares no code with the plugin it talks to."""
