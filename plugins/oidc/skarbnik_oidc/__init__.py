"""OpenID Connect for Skarbnik."""
