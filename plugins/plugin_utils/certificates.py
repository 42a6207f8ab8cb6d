# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Private to this collection: it may change at any time.
"""Certificates in PEM texts as people have them: with comments, and the line ends of any system."""

from __future__ import annotations

import re

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----")


def certificates_in(text: str) -> list[str]:
    """Each certificate, with the line ends of Unix."""
    return CERTIFICATE.findall("\n".join(line.strip() for line in text.splitlines()))


def has_only_certificates(text: str) -> bool:
    """Whether the text has a certificate, and each that begins is complete."""
    found = len(certificates_in(text))
    return 0 < found == text.count("-----BEGIN") == text.count("-----END")
