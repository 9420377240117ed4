"""Anonymous surveys: the office asks, residents answer once each, and nobody learns who answered what."""
