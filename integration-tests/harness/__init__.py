"""What the integration tests stand on: real processes, spoken to over JSON lines."""
