"""What a push is based on."""
