"""The pipeline of one event: from an intake to the request at the CI, and back as a run."""
