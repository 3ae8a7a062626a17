"""What one snapshot consists of: its manifests, its summary, and the snapshots that it replaces."""
