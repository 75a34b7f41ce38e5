"""The service of trainings: a process that answers over HTTP, and its verbs."""
