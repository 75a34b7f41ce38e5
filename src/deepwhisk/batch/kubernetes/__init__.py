"""What the driver of Kubernetes is made of: its API, what nodes could give, jobs and their states."""
