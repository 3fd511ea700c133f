"""The embedded server: Gemini's wire protocol from the other side, on loopback."""
