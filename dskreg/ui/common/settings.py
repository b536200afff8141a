"""Settings as tables."""


def flat(settings: dict, prefix: str = "") -> dict[str, str]:
    """Nested settings as {dotted name: value as text}."""
    rows: dict[str, str] = {}
    for name, value in settings.items():
        rows |= (
            flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": str(value)}
        )
    return rows
