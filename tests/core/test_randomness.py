from itertools import product

from sknielsen.core import randomness
from sknielsen.core.randomness import DROPOUT, SHUFFLE, generator


def test_a_key_repeats_and_every_other_key_draws_other_numbers():
    streams = [value for name, value in vars(randomness).items() if name.isupper()]
    assert len(set(streams)) == 6
    keys = [(), (0,), (1,), (0, 0), (0, 1)]
    drawn = [generator(*case[:2], *case[2]).random() for case in product((0, 1), streams, keys)]
    assert len(set(drawn)) == len(drawn)
    assert generator(3, SHUFFLE, 2).random() == generator(3, SHUFFLE, 2).random()


def test_a_seed_of_several_integers_is_one_of_its_own():
    drawn = {generator(seed, DROPOUT).random() for seed in (1, [1, 1], [1, 2], [2, 1])}
    assert len(drawn) == 4
