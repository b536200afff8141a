"""Settings as tables."""


def flat(settings: dict, prefix: str = "") -> dict[str, str]:
    """Nested settings as {dotted name: value as text}; "auto" is one that the data decide."""
    rows: dict[str, str] = {}
    for name, value in settings.items():
        text = "auto" if value is None else str(value)
        rows |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": text}
    return rows
