"""The VAE tab: its views, in the order of the switch."""

from playground.tabs.frame.interpolate import Interpolate
from playground.tabs.vae.code_generate import CodeGenerate
from playground.tabs.vae.codes import Codes
from playground.tabs.vae.driving.beside import Beside as WorldAndDream
from playground.tabs.vae.driving.controller import Controller
from playground.tabs.vae.driving.dream import Dream
from playground.tabs.vae.first_stages import FirstStages
from playground.tabs.vae.generate import Generate
from playground.tabs.vae.latent_plane import Plane
from playground.tabs.vae.levels import Levels
from playground.tabs.vae.reconstruct import Reconstruct
from playground.tabs.vae.side_by_side import Beside
from playground.tabs.vae.sliders import Sliders
from playground.tabs.vae.strokes.between import Between
from playground.tabs.vae.strokes.draw import Draw
from playground.tabs.vae.strokes.finish import Finish
from playground.tabs.vae.strokes.way import Way
from playground.tabs.vae.traversals import Traversals

VIEWS = (
    Dream,
    WorldAndDream,
    Controller,
    Draw,
    Finish,
    Way,
    Between,
    Plane,
    Sliders,
    Reconstruct,
    Codes,
    FirstStages,
    Traversals,
    Levels,
    Interpolate,
    Beside,
    CodeGenerate,
    Generate,
)
