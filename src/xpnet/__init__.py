"""Losses, numerical derivatives and a two-layer network, on any array library and device."""
