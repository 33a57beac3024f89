"""What knobs and models are called on screen.  Python, the command line, links and exported pictures keep the ids.

A knob that is not named here is called by the label of its request; a model by the system on its card.  No Qt, no torch.
"""

from __future__ import annotations

# label in a request (its id, as a rule) -> words on screen
KNOBS = {
    "num_steps": "steps",
    "num_samples": "samples",
    "num_pictures": "pictures on the way",
    "num_tokens": "length",
    "num_frames": "frames",
    "guidance_scale": "guidance",
    "autoguidance_scale": "autoguidance",
    "guidance_t_min": "guided from time",
    "guidance_t_max": "guided up to time",
    "truncation_psi": "truncation",
    "top_k": "top k",
    "top_p": "top p",
    "step_size": "step size",
    "negative_prompt": "negative prompt",
    "word_order": "words in order",
    "eta": "fresh noise (eta)",
    "langevin": "Langevin noise",
    "clip x_0_pred": "clip the guess",
    "t": "time t",
}

OWN = "own-"  # what the names of data sets begin with that are made of somebody's own pictures

# what the pictures, texts or points of a data set are, after a verb
DATASETS = {
    "fashion": "garments",
    "bible": "text",
    "python": "Python code",
    "words": "spoken words",
    "emoji": "emoji",
    "icons": "drawings",
    "plane": "points",
    "car": "drives",
}

# what the models of a data set stand under in a menu
HEADINGS = {
    "fashion": "Garments",
    "bible": "Text",
    "python": "Python code",
    "words": "Sound",
    "emoji": "Emoji",
    "car": "Driving",
    "icons": "Line drawings",
    "plane": "In the plane, trained live",
}
IN_THE_PLANE = ", in the plane"

# id -> short name, and what it does, where the system on its card does not say it well
MODELS: dict[str, tuple[str, str]] = {
    "pixelcnn-fashion": ("Gated PixelCNN", "draws garments"),
    "pixelcnn0-fashion": ("PixelCNN of 2016", "draws garments"),
    "imagetransformer-fashion": ("Image Transformer", "draws garments"),
    "pixelrnn-fashion": ("PixelRNN", "draws garments"),
    "parallel-pixelcnn-fashion": ("Parallel PixelCNN", "draws garments"),
    "made-fashion": ("MADE", "draws garments"),
    "gpt-bible": ("GPT", "writes text"),
    "lstm-bible": ("LSTM", "writes text"),
    "ngram-bible": ("n-gram", "writes text"),
    "wavenet-words": ("WaveNet", "speaks words"),
    "gpt-python": ("GPT of Python", "writes Python code"),
    "lstm-python": ("LSTM of Python", "writes Python code"),
    "ngram-python": ("n-gram of Python", "writes Python code"),
    "tarflow-fashion": ("TarFlow", "draws garments"),
    "glow-fashion": ("Glow", "draws garments"),
    "realnvp-fashion": ("RealNVP", "draws garments"),
    "nice-fashion": ("NICE", "draws garments"),
    "vae2d-fashion": ("VAE, 2 numbers", "draws garments"),
    "vae-fashion": ("VAE, 32 numbers", "draws garments"),
    "vdvae-fashion": ("Very deep VAE", "draws garments"),
    "betavae-fashion": ("beta-VAE", "draws garments"),
    "sketchrnn-icons": ("Sketch-RNN", "draws with a pen"),
    "ae2d-fashion": ("Autoencoder, 2 numbers", "squeezes garments"),
    "vqvae-fashion": ("VQ-VAE", "writes garments as codes"),
    "vqprior-fashion": ("VQ-VAE with a prior", "draws garments"),
    "kl-emoji": ("KL autoencoder", "squeezes emoji"),
    "vqgan-emoji": ("VQGAN", "writes emoji as codes"),
    "worldmodel-car": ("World Model", "dreams of driving"),
    "stylegan-fashion": ("StyleGAN2", "draws garments"),
    "dcgan-fashion": ("DCGAN", "draws garments"),
    "gan-fashion": ("GAN of 2014", "draws garments"),
    "pix2pix-emoji": ("Pix2Pix", "colours drawings"),
    "pix2pix-l1-emoji": ("Pix2Pix, L1 alone", "colours drawings without a discriminator"),
    "cyclegan-emoji": ("CycleGAN", "turns emoji into another style"),
    "gan-collapsed-fashion": ("GAN that collapsed", "went wrong"),
    "gan-overpowered-fashion": ("GAN, too strong a critic", "went wrong"),
    "gan-toofast-fashion": ("GAN, too high a rate", "went wrong"),
    "ddpm-fashion": ("DDPM", "draws garments"),
    "ldm-fashion": ("Latent diffusion", "draws garments"),
    "ldm-small-fashion": ("Latent diffusion, small", "draws garments"),
    "ldm-emoji": ("Text to image", "draws emoji from words"),
    "consistency-fashion": ("Consistency model", "draws garments in few steps"),
    "ebm-fashion": ("Energy-based model", "draws garments"),
    "score-ebm-fashion": ("Energy by denoising", "draws garments"),
    "rbm-fashion": ("RBM", "draws garments"),
    "dbm-fashion": ("DBM", "draws garments"),
    "gsn-fashion": ("GSN", "draws garments"),
}

# models of the plane whose system is too long for a menu, a table or the title of a small picture
IN_SHORT = {
    "contrastive-divergence-plane": "Contrastive divergence",
    "sliced-ebm-plane": "Sliced score matching",
    "flow-contrastive-plane": "Flow contrastive",
    "gsn-plane": "GSN",
    "rbm-plane": "RBM",
    "iaf-plane": "IAF",
    "maf-plane": "MAF",
    "gan-hinge-plane": "Hinge GAN",
}


def is_own(dataset: str) -> bool:
    """Whether a data set of this name is made of somebody's own pictures."""
    return dataset.startswith(OWN)


def of_knob(label: str) -> str:
    """What a knob is called on screen."""
    return KNOBS.get(label, label)


def size_of(parameters: int) -> str:
    """A number of parameters in a few letters: ``1.8 M``, ``640 k``."""
    return f"{parameters / 1e6:.1f} M" if parameters >= 950_000 else f"{max(parameters // 1000, 1)} k"


def short(model_id: str, system: str) -> str:
    """A model's name, without what it does."""
    if model_id.endswith("-plane"):
        return f"{IN_SHORT.get(model_id, system.replace(' (', ', ').rstrip(')'))}{IN_THE_PLANE}"
    return MODELS.get(model_id, (system.partition(" (")[0], ""))[0]


def heading_of(dataset: str) -> str:
    """What the models of a data set stand under."""
    return HEADINGS.get(dataset, dataset)


def of_model(model_id: str, system: str, parameters: int, dataset: str) -> str:
    """A model's name, its size and what it does: ``GPT, 1.8 M, writes text``."""
    of = "pictures like yours" if is_own(dataset) else DATASETS.get(dataset, dataset)
    does = MODELS.get(model_id, ("", f"makes {of}"))[1]
    size = size_of(parameters) if parameters else "trained live"
    return f"{short(model_id, system)}, {size}, {does}"
