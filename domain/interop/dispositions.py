"""How somebody left, from the codes that hospitals send to our own word.

UB-04 patient discharge status codes (Noridian's list; 21 includes jail), and the list that FHIR R4 itself offers for
`Encounter.hospitalization.dischargeDisposition`.
"""

from __future__ import annotations

from domain.vocabulary import Disposition

UB04 = {
    "01": Disposition.HOME,
    "02": Disposition.TRANSFERRED,
    "03": Disposition.SKILLED_NURSING,
    "04": Disposition.SKILLED_NURSING,
    "05": Disposition.TRANSFERRED,
    "06": Disposition.HOME,
    "07": Disposition.AGAINST_ADVICE,
    "09": Disposition.STILL_PATIENT,
    "20": Disposition.DIED,
    "21": Disposition.CUSTODY,
    "30": Disposition.STILL_PATIENT,
    "40": Disposition.DIED,
    "41": Disposition.DIED,
    "42": Disposition.DIED,
    "43": Disposition.TRANSFERRED,
    "50": Disposition.HOSPICE,
    "51": Disposition.HOSPICE,
    "61": Disposition.SKILLED_NURSING,
    "62": Disposition.TRANSFERRED,
    "63": Disposition.TRANSFERRED,
    "64": Disposition.SKILLED_NURSING,
    "65": Disposition.TRANSFERRED,
    "66": Disposition.TRANSFERRED,
    "70": Disposition.TRANSFERRED,
}
"""By two-digit code. A code that is not here is kept as it was sent, and a person decides."""

FHIR = {
    "home": Disposition.HOME,
    "alt-home": Disposition.HOME,
    "other-hcf": Disposition.TRANSFERRED,
    "hosp": Disposition.HOSPICE,
    "long": Disposition.SKILLED_NURSING,
    "aadvice": Disposition.AGAINST_ADVICE,
    "exp": Disposition.DIED,
    "psy": Disposition.TRANSFERRED,
    "rehab": Disposition.SKILLED_NURSING,
    "snf": Disposition.SKILLED_NURSING,
}
"""By code of http://terminology.hl7.org/CodeSystem/discharge-disposition; `oth` says nothing and is not here."""


def disposition_of(code: str) -> Disposition | None:
    """Our word for a code of either list, with or without its leading zero; None when we do not know the code."""
    tidy = code.strip().lower()
    if tidy.isascii() and tidy.isdigit():
        return UB04.get(tidy.zfill(2))
    return FHIR.get(tidy)
