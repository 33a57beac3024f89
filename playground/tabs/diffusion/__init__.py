"""The Diffusion tab: its views, in the order of the switch."""

from playground.tabs.diffusion.directions import Arithmetic, BetweenPictures, Variations
from playground.tabs.diffusion.few_steps import FewSteps
from playground.tabs.diffusion.forward_process import Forward
from playground.tabs.diffusion.generate import Generate, GuidanceGrid, Steps, TwoGuides
from playground.tabs.diffusion.image_to_image import ImageToImage
from playground.tabs.diffusion.interpolate import Between
from playground.tabs.diffusion.prompted_picture import Colourise, Inpaint, PromptedImageToImage
from playground.tabs.diffusion.prompts import Prompts
from playground.tabs.diffusion.schedules import Schedules
from playground.tabs.diffusion.super_resolution import SuperResolutionView
from playground.tabs.diffusion.trajectory import Trajectory
from playground.tabs.diffusion.words import Words

VIEWS = (
    Generate,
    FewSteps,
    Trajectory,
    Forward,
    Schedules,
    ImageToImage,
    PromptedImageToImage,
    Inpaint,
    Colourise,
    SuperResolutionView,
    Variations,
    BetweenPictures,
    Arithmetic,
    Between,
    Words,
    Prompts,
    GuidanceGrid,
    TwoGuides,
    Steps,
)
