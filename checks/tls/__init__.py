"""What a TLS server shows and what that means: hellos, probes, certificates, profiles, checks."""
