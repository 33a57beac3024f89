"""Style mixing (Karras et al. 2019, arXiv:1812.04948, section 3.1): the styles of some layers come from another picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from playground.contract import Frame, State, knob
from playground.experiments.gan.style_layers import LAYERS, RANGES
from playground.models import noise
from playground.models.gan.stylegan import StyleGAN, StyleRequest


@dataclass(frozen=True)
class MixRequest(StyleRequest):
    """Rows and columns of pictures, and what is taken from the columns."""

    layers: str = knob(
        "coarse",
        label="styles of the column",
        choices=LAYERS[:3],
        help="Which layers get the column's style; all others keep the row's. Coarse layers decide the shape, fine ones the shading.",
    )
    label: int = knob(
        8,
        label="class",
        low=0,
        choices="classes",
        help="Which garment is mixed. In training, styles were only ever mixed within a class: across classes the parts do not fit.",
    )
    num_rows: int = knob(4, label="rows", low=1, high=8, help="How many pictures give the row's styles.")
    num_columns: int = knob(
        6, label="columns", low=1, high=10, help="How many pictures give a column's styles."
    )
    num_samples: int = 1


@torch.no_grad()
def mix(model: StyleGAN, request: MixRequest, resume: State | None = None) -> Iterator[Frame]:
    """Style mixing (Karras et al. 2019, figure 3), a frame per row.

    ``images`` has (1 + rows) x (1 + columns) pictures: the columns' own on top, the rows' own at the left, black between.
    """
    rows, columns = request.num_rows, request.num_columns
    every = dataclasses.replace(request, num_samples=rows + columns, first_index=0)
    labels, noises = model.labels(every), model.noises(every)
    z = noise.normal(request.seed, range(rows + columns), "z", model.prior_shape)
    w = model.w_of(torch.from_numpy(z).to(labels.device), labels, request.truncation_psi)
    own = model.frame_of(w, labels, noises).images
    begin, end = RANGES[request.layers]
    if resume is None:
        sheet = np.zeros((rows + 1, columns + 1, *own.shape[1:]), np.uint8)
        sheet[1:, 0], sheet[0, 1:] = own[:rows], own[rows:]
        done = 0
        yield _mixed(sheet, 0, rows)
    else:
        sheet, done = resume["sheet"].copy(), int(resume["row"])
    for row in range(done, rows):
        styles = w[row].expand(columns, model.num_layers, -1).clone()
        styles[:, begin:end] = w[rows:, None]
        row_noise = [n[row : row + 1].expand(columns, -1, -1, -1) for n in noises]
        pictures = model.frame_of(styles, labels[row].expand(columns), row_noise).images
        sheet[row + 1, 1:] = pictures
        yield _mixed(sheet, row + 1, rows)


def _mixed(sheet: np.ndarray, row: int, rows: int) -> Frame:
    images = sheet.reshape(-1, *sheet.shape[2:]).copy()
    return Frame(row, rows, row + 1, images, {"columns": sheet.shape[1]}, {"row": row, "sheet": sheet.copy()})
