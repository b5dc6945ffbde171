"""The papers of this plugin. Every command imports it, so it is light."""

VOCOS = (
    "Hubert Siuzdak 2023, Vocos: Closing the gap between time-domain and Fourier-based neural vocoders for "
    "high-quality audio synthesis, arXiv:2306.00814"
)
HIFIGAN = (
    "Jungil Kong, Jaehyeon Kim & Jaekyoung Bae 2020, HiFi-GAN: Generative Adversarial Networks for Efficient and High "
    "Fidelity Speech Synthesis, arXiv:2010.05646"
)
BIGVGAN = (
    "Sang-gil Lee, Wei Ping, Boris Ginsburg, Bryan Catanzaro & Sungroh Yoon 2022, BigVGAN: A Universal Neural Vocoder "
    "with Large-Scale Training, arXiv:2206.04658"
)
DAC = (
    "Rithesh Kumar, Prem Seetharaman, Alejandro Luebs, Ishaan Kumar & Kundan Kumar 2023, High-Fidelity Audio "
    "Compression with Improved RVQGAN, arXiv:2306.06546"
)
WAVEGAN = "Chris Donahue, Julian McAuley & Miller Puckette 2018, Adversarial Audio Synthesis, arXiv:1802.04208"
PARALLEL_WAVEGAN = (
    "Ryuichi Yamamoto, Eunwoo Song & Jae-Min Kim 2019, Parallel WaveGAN: A fast waveform generation model based on "
    "generative adversarial networks with multi-resolution spectrogram, arXiv:1910.11480"
)
GRAY = "Augustine Gray & John Markel 1976, Distance measures for speech processing, doi:10.1109/TASSP.1976.1162849"
