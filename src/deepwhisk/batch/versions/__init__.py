"""From what a training left to the version of a model that serves: judged, numbered, and taken back."""
