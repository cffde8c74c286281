"""Networks of recurrent layers, and of dense ones."""

from torch import nn
from torch.nn import functional

from .making import Made, image, made, tokens


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(40, 8)
        self.lstm = nn.LSTM(8, 8, 2, batch_first=True, bidirectional=True, dropout=0.1)
        self.gru = nn.GRU(16, 8, batch_first=True)
        self.fc = nn.Linear(8, 5)

    def forward(self, ids):
        x, (h, _) = self.lstm(self.embedding(ids))
        x, _ = self.gru(functional.elu(x))
        return self.fc(x).log_softmax(-1), h[-1]


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 4, 4)
        self.norm1, self.norm2 = nn.LayerNorm(12), nn.LayerNorm(12)
        self.tokens = nn.Sequential(nn.Linear(16, 8), nn.GELU(approximate="tanh"), nn.Linear(8, 16))
        self.channels = nn.Sequential(nn.Linear(12, 24), nn.Mish(), nn.Linear(24, 12))
        self.head = nn.Linear(12, 6)

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channels(self.norm2(x))
        return self.head(x.amax(1))


def tagger() -> Made:
    return made(Tagger(), tokens())


def mixer() -> Made:
    return made(Mixer(), image())
