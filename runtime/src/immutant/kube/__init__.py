"""What the Kubernetes API keeps for an application: its Leases."""
