"""The About page: what the faces are made of, what they are for, what is wrong with them."""

from __future__ import annotations

import streamlit as st

TEXT = """
# About

**facegen** designs portraits of people who do not exist. A neural network that has seen many
photographs of faces draws them; the dials move along directions in the network's own space that
were learned from measured and hand-labelled pictures. Everything happens on this machine: no
picture and no file leaves it.

### What the faces were learned from

The bundled network is MobileStyleGAN (S. Belousov, 2021), a small copy of NVIDIA's StyleGAN2,
which was trained on 70,000 photographs of the Flickr-Faces-HQ set (FFHQ).

### What you may do with them

FFHQ is licensed CC BY-NC-SA 4.0, and NVIDIA's network is for non-commercial use. Pictures made
here inherit that: **use them for research, teaching and personal work, not commercially.** Do not
use them to deceive: no fake profiles, no made-up witnesses, no evidence.

### Every saved picture says what it is

A saved picture carries the standard mark of synthetic media (IPTC digital source type
*trainedAlgorithmicMedia*) and the numbers that reopen the face. Whoever receives the file can see
that no camera took it.

### What is wrong with them

- **Whom the network has seen.** The photographs come from one web service. Of 1,764 faces that it
  drew and people judged, 61 % look 20 to 39 years old and under 2 % look 60 or older; 78 % have
  light skin (1 or 2 on a scale of 6), 2 % dark skin (5 or 6). Faces of rare kinds come out less
  well.
- **Dials that leak.** What went together in the photographs goes together here: 42 % of the drawn
  people of 40 and older wear glasses, 11 % of those under 40; sex brings hair length with it, age
  the size of the nose. The dials are built to move one thing at a time and do not quite manage. How
  far each one leaks was measured on faces that were not used for learning: see
  `docs/results/dials.md`.
- **"Gender" and "age" are looks.** They are what people judged by eye on generated pictures. They
  say nothing about who a person is.
- **Mistakes.** Earrings, hats, hands, teeth, and the edge between hair and background can be
  wrong, more often toward *unusual*.

### Words

*How unusual* is what experts call truncation (psi). A *seed* is the number that a person
is drawn from; the same seed gives the same person everywhere. Degrees and years on the dials are
estimates read from the face; numbers without a unit count standard deviations between people.
"""


def page() -> None:
    """Draw the page."""
    with st.container(key="fg_text"):
        st.markdown(TEXT)
