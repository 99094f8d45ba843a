"""Clients of services, shared by the inputs and outputs that talk to them. Each is an extra, imported when a plugin opens."""
