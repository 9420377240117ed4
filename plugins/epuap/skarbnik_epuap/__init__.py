"""Signing in with Profil Zaufany, mObywatel, e-dowód or a bank, through the national node (Węzeł Krajowy)."""
