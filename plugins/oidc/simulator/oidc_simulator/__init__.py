"""A provider of OpenID Connect on this machine."""
