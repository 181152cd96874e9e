"""How servers write their configuration: texts with their includes to directives, within limits."""
