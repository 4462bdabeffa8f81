"""The key encryption key of all tests."""

KEYS = "test:a2V5cy1vZi10ZXN0cy1hcmUtbm90LWFueWJvZHlzLi4"

KEY_VARIABLE = {"MARQUEE_KEY_ENCRYPTION_KEYS": KEYS}
"""For the environments of other processes."""
