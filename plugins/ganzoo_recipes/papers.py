"""The papers of the studies, and of the GANs that they compare."""

DCGAN = (
    "Alec Radford, Luke Metz & Soumith Chintala 2016, Unsupervised Representation Learning with Deep Convolutional "
    "Generative Adversarial Networks, arXiv:1511.06434"
)
INFOGAN = (
    "Xi Chen, Yan Duan, Rein Houthooft, John Schulman, Ilya Sutskever & Pieter Abbeel 2016, InfoGAN: Interpretable "
    "Representation Learning by Information Maximizing Generative Adversarial Nets, arXiv:1606.03657"
)
LSGAN = (
    "Xudong Mao, Qing Li, Haoran Xie, Raymond Y. K. Lau, Zhen Wang & Stephen Paul Smolley 2017, Least Squares "
    "Generative Adversarial Networks, arXiv:1611.04076"
)
GGAN = "Jae Hyun Lim & Jong Chul Ye 2017, Geometric GAN, arXiv:1705.02894"
WGAN = "Martin Arjovsky, Soumith Chintala & Léon Bottou 2017, Wasserstein GAN, arXiv:1701.07875"
WGAN_GP = (
    "Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin & Aaron Courville 2017, Improved Training of "
    "Wasserstein GANs, arXiv:1704.00028"
)
DRAGAN = (
    "Naveen Kodali, Jacob Abernethy, James Hays & Zsolt Kira 2017, On Convergence and Stability of GANs, "
    "arXiv:1705.07215"
)
LGAN = (
    "Zhiming Zhou, Jiadong Liang, Yuxuan Song, Lantao Yu, Hongwei Wang, Weinan Zhang, Yong Yu & Zhihua Zhang 2019, "
    "Lipschitz Generative Adversarial Nets, arXiv:1902.05687"
)
ACGAN = (
    "Augustus Odena, Christopher Olah & Jonathon Shlens 2017, Conditional Image Synthesis With Auxiliary Classifier "
    "GANs, arXiv:1610.09585"
)
PROJECTION = "Takeru Miyato & Masanori Koyama 2018, cGANs with Projection Discriminator, arXiv:1802.05637"
SNGAN = (
    "Takeru Miyato, Toshiki Kataoka, Masanori Koyama & Yuichi Yoshida 2018, Spectral Normalization for Generative "
    "Adversarial Networks, arXiv:1802.05957"
)
SSGAN = (
    "Ting Chen, Xiaohua Zhai, Marvin Ritter, Mario Lucic & Neil Houlsby 2019, Self-Supervised GANs via Auxiliary "
    "Rotation Loss, arXiv:1811.11212"
)
SAGAN = (
    "Han Zhang, Ian Goodfellow, Dimitris Metaxas & Augustus Odena 2019, Self-Attention Generative Adversarial "
    "Networks, arXiv:1805.08318"
)
LOGAN = (
    "Yan Wu, Jeff Donahue, David Balduzzi, Karen Simonyan & Timothy Lillicrap 2019, LOGAN: Latent Optimisation for "
    "Generative Adversarial Networks, arXiv:1912.00953"
)
TACGAN = (
    "Mingming Gong, Yanwu Xu, Chunyuan Li, Kun Zhang & Kayhan Batmanghelich 2019, Twin Auxiliary Classifiers GAN, "
    "arXiv:1907.02690"
)
BIGGAN = (
    "Andrew Brock, Jeff Donahue & Karen Simonyan 2019, Large Scale GAN Training for High Fidelity Natural Image "
    "Synthesis, arXiv:1809.11096"
)
CR = (
    "Han Zhang, Zizhao Zhang, Augustus Odena & Honglak Lee 2020, Consistency Regularization for Generative Adversarial "
    "Networks, arXiv:1910.12027"
)
ICR = (
    "Zhengli Zhao, Sameer Singh, Honglak Lee, Zizhao Zhang, Augustus Odena & Han Zhang 2021, Improved Consistency "
    "Regularization for GANs, arXiv:2002.04724"
)
LECAM = (
    "Hung-Yu Tseng, Lu Jiang, Ce Liu, Ming-Hsuan Yang & Weilong Yang 2021, Regularizing Generative Adversarial "
    "Networks under Limited Data, arXiv:2104.03310"
)
DIFFAUGMENT = (
    "Shengyu Zhao, Zhijian Liu, Ji Lin, Jun-Yan Zhu & Song Han 2020, Differentiable Augmentation for Data-Efficient "
    "GAN Training, arXiv:2006.10738"
)
ADA = (
    "Tero Karras, Miika Aittala, Janne Hellsten, Samuli Laine, Jaakko Lehtinen & Timo Aila 2020, Training Generative "
    "Adversarial Networks with Limited Data, arXiv:2006.06676"
)
APA = (
    "Liming Jiang, Bo Dai, Wayne Wu & Chen Change Loy 2021, Deceive D: Adaptive Pseudo Augmentation for GAN Training "
    "with Limited Data, arXiv:2111.06849"
)
ADCGAN = (
    "Liang Hou, Qi Cao, Huawei Shen, Siyuan Pan & Xueqi Cheng 2022, Conditional GANs with Auxiliary Discriminative "
    "Classifier, arXiv:2107.10060"
)
CONTRAGAN = (
    "Minguk Kang & Jaesik Park 2020, ContraGAN: Contrastive Learning for Conditional Image Generation, arXiv:2006.12681"
)
REACGAN = (
    "Minguk Kang, Woohyeon Shim, Minsu Cho & Jaesik Park 2021, Rebooting ACGAN: Auxiliary Classifier GANs with Stable "
    "Training, arXiv:2111.01118"
)
MHGAN = (
    "Ilya Kavalerov, Wojciech Czaja & Rama Chellappa 2021, A Multi-Class Hinge Loss for Conditional GANs, "
    "arXiv:1912.04216"
)
STUDY = (
    "Minguk Kang, Joonghyuk Shin & Jaesik Park 2023, StudioGAN: A Taxonomy and Benchmark of GANs for Image Synthesis, "
    "arXiv:2206.09479"
)
MIMICRY = "Kwot Sin Lee & Christopher Town 2020, Mimicry: Towards the Reproducibility of GAN Research, arXiv:2005.02494"
R3GAN = (
    "Yiwen Huang, Aaron Gokaslan, Volodymyr Kuleshov & James Tompkin 2024, The GAN is dead; long live the GAN! A "
    "Modern GAN Baseline, arXiv:2501.05441"
)
