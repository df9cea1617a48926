"""The loop: it learns, it can be cut into pieces, stopped and resumed, and none of this changes the result."""

import signal
import threading

import pytest
import torch
from small import BATCHES, Small, held_out_loss, settings, weights
from torch import nn

from llmkit.objectives import Sum, next_token_loss
from llmkit.training import History, Settings, train


def test_a_model_learns_what_there_is_to_learn():
    model = Small()
    before = held_out_loss(model.eval())
    history = train(model, BATCHES, next_token_loss, settings(steps=120), held_out_loss)
    assert before > 2.4  # ln 12 is 2.48
    assert history.step == len(history.loss) == 120 and not history.stopped
    assert history.evaluations[-1] == {"step": 120, "loss": held_out_loss(model)}
    assert history.evaluations[-1]["loss"] < 1.85
    # The best is 1.79: half of the tokens are certain, but which half cannot be seen from one token, so the next one
    # gets 1/2 + 1/24 and each of the others 1/24: -(13/24) ln(13/24) - (11/24) ln(1/24).
    assert not model.training


def test_plain_sgd_by_hand_agrees_with_the_first_step():
    """With one step of AdamW every weight moves by lr times the sign of its gradient: m / sqrt(v) is g / |g|."""
    model, twin = Small().eval(), Small().eval()
    model.dropout.p = twin.dropout.p = 0.0
    train(model, BATCHES, next_token_loss, Settings(steps=1, warmup=0, matrix_lr=None, lr=0.01, clip=None))
    next_token_loss(twin, BATCHES(0)).mean.backward()
    for mine, before in zip(model.parameters(), twin.parameters(), strict=True):
        clear = before.grad.abs() > 1e-4  # where epsilon does not matter
        assert clear.any()
        moved = (mine.detach() - before.detach())[clear]
        assert torch.allclose(moved, -0.01 * before.grad[clear].sign(), atol=2e-6)


def test_the_loss_of_a_step_is_the_mean_over_its_batch():
    model, twin = Small(), Small()
    model.dropout.p = twin.dropout.p = 0.0
    history = train(model, BATCHES, next_token_loss, settings(steps=1))
    assert history.loss[0] == pytest.approx(next_token_loss(twin, BATCHES(0)).mean.item(), rel=1e-6)


@pytest.mark.parametrize("accumulation", [2, 4, 6, 50])
def test_a_batch_in_pieces_trains_the_same_model(accumulation):
    def uneven(step):  # rows of different length, so that pieces hold different numbers of predictions
        tokens = BATCHES(step)["tokens"]
        return {"tokens": tokens, "keep": torch.arange(11) < torch.tensor([11, 3, 9, 2, 11, 5])[:, None]}

    whole, pieces = Small(), Small()
    whole.dropout.p = pieces.dropout.p = 0.0
    first = train(whole, uneven, next_token_loss, settings())
    second = train(pieces, uneven, next_token_loss, settings(accumulation=accumulation))
    assert second.loss == pytest.approx(first.loss, rel=1e-4)
    assert torch.allclose(weights(whole), weights(pieces), atol=1e-3)


def test_the_gradient_is_never_longer_than_the_clip(monkeypatch):
    lengths = []

    class Listening(torch.optim.SGD):
        def step(self, closure=None):
            lengths.append(float(torch.cat([p.grad.flatten() for g in self.param_groups for p in g["params"]]).norm()))

    def only(model, *options):
        optimizer = Listening(model.parameters(), lr=0.0)
        optimizer.param_groups[0]["peak"] = 0.0
        return [optimizer]

    monkeypatch.setattr("llmkit.training.loop.make_optimizers", only)
    for clip in (None, 0.05):
        train(Small(), BATCHES, next_token_loss, settings(clip=clip))
    assert min(lengths[:20]) > 0.05 and max(lengths[20:]) <= 0.05 * 1.0001


def test_looking_at_the_model_does_not_change_the_run():
    def restless(model):
        torch.rand(100)
        return {"loss": held_out_loss(model), "training": model.training, "gradients": torch.is_grad_enabled()}

    often, never = Small(), Small()
    looked = train(often, BATCHES, next_token_loss, settings(eval_every=1), restless)
    train(never, BATCHES, next_token_loss, settings(eval_every=0))
    assert torch.equal(weights(often), weights(never))
    assert [e["step"] for e in looked.evaluations] == list(range(1, 21))
    assert not any(e["training"] or e["gradients"] for e in looked.evaluations)


def test_a_run_depends_on_its_seed():
    runs = [train(Small(), BATCHES, next_token_loss, settings(seed=seed)).loss for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


# ---- stopping and going on ----------------------------------------------------------------------------------------


def test_stopping_keeps_what_was_learned_and_going_on_gives_the_uninterrupted_run(tmp_path):
    whole, model = Small(), Small()
    uninterrupted = train(whole, BATCHES, next_token_loss, settings(), held_out_loss)
    plan = settings(folder=tmp_path)
    first = train(model, BATCHES, next_token_loss, plan, held_out_loss, on_step=lambda history: history.step == 7)
    assert first.stopped and first.step == 7

    fresh = Small()
    torch.rand(5)  # the random numbers are somewhere else by now
    second = train(fresh, BATCHES, next_token_loss, plan, held_out_loss)
    assert second.loss == uninterrupted.loss and second.evaluations == uninterrupted.evaluations
    assert torch.equal(weights(fresh), weights(whole)) and not second.stopped

    third = train(Small(), BATCHES, next_token_loss, plan, held_out_loss)  # nothing is left to do
    assert third.loss == uninterrupted.loss


def test_resume_false_starts_anew(tmp_path):
    plan = settings(folder=tmp_path)
    first = train(Small(), BATCHES, next_token_loss, plan)
    steps = []
    again = train(Small(), BATCHES, next_token_loss, plan, on_step=lambda h: steps.append(h.step), resume=False)
    assert steps == list(range(1, 21)) and again.loss == first.loss


def test_the_stop_button_ends_the_run_after_a_whole_step(tmp_path):
    def press(history):
        if history.step == 4:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    model, plan = Small(), settings(folder=tmp_path)
    assert train(model, BATCHES, next_token_loss, plan, on_step=press).step == 4
    assert signal.getsignal(signal.SIGINT) is before
    resumed = train(Small(), BATCHES, next_token_loss, plan)
    assert resumed.loss == train(Small(), BATCHES, next_token_loss, settings()).loss


@pytest.fixture
def interruptible():
    """A process started in the background by a shell ignores the signal of the stop button; a kernel never does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_stop_button_pressed_twice_stops_at_once(interruptible):
    def press(history):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(Small(), BATCHES, next_token_loss, settings(), on_step=press)


def test_training_works_away_from_the_main_thread_too():
    done = []
    thread = threading.Thread(target=lambda: done.append(train(Small(), BATCHES, next_token_loss, settings())))
    thread.start()
    thread.join()
    assert done[0].step == 20


# ---- what goes wrong ----------------------------------------------------------------------------------------------


def test_a_gpu_that_is_full_gets_half_as_many_rows_at_once_and_the_run_is_the_same():
    sizes = []

    def greedy(model, batch):
        sizes.append(len(batch["tokens"]))
        if len(batch["tokens"]) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return next_token_loss(model, batch)

    model, easy = Small(), Small()
    model.dropout.p = easy.dropout.p = 0.0
    with pytest.warns(UserWarning, match="ran out of memory with") as said:
        history = train(model, BATCHES, greedy, settings())
    assert [str(w.message).split(";")[0].split()[-4:-2] for w in said] == [["6", "rows"], ["3", "rows"]]
    assert "going on with 3" in str(said[0].message) and "going on with 2" in str(said[1].message)
    assert sizes[:5] == [6, 3, 2, 2, 2] and set(sizes[2:]) == {2}  # and it stays so: no step tries the whole again
    assert history.loss == pytest.approx(train(easy, BATCHES, next_token_loss, settings()).loss, rel=1e-4)


def test_a_gradient_half_done_when_memory_ran_out_is_begun_anew():
    calls = []

    def second_piece_fails(model, batch):
        calls.append(len(batch["tokens"]))
        if len(calls) == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return next_token_loss(model, batch)

    model, easy = Small(), Small()
    model.dropout.p = easy.dropout.p = 0.0
    with pytest.warns(UserWarning, match="with 3 rows at once; going on with 2"):
        train(model, BATCHES, second_piece_fails, settings(steps=3, accumulation=2))
    train(easy, BATCHES, next_token_loss, settings(steps=3))
    assert torch.allclose(weights(model), weights(easy), atol=1e-5)


def test_a_gpu_without_room_for_one_row_is_told_so():
    def hopeless(model, batch):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no room for a single row"):
        train(Small(), BATCHES, hopeless, settings())


def test_weights_that_run_away_stop_the_run_before_a_checkpoint_is_spoiled(tmp_path):
    def explode(model, batch):
        total, count = next_token_loss(model, batch)
        explode.calls += 1
        return Sum(total * (float("inf") if explode.calls == 8 else 1.0), count)

    explode.calls = 0
    with pytest.raises(ValueError, match=r"loss of step 8 is inf: the weights have run away\. Lower lr"):
        train(Small(), BATCHES, explode, settings(folder=tmp_path))
    saved = train(Small(), BATCHES, next_token_loss, settings(folder=tmp_path))
    assert saved.loss == train(Small(), BATCHES, next_token_loss, settings()).loss  # gone on from step 5


def test_a_batch_with_nothing_to_predict_is_reported():
    with pytest.raises(ValueError, match="step 1 has nothing to predict"):
        train(Small(), lambda step: {"tokens": BATCHES(step)["tokens"], "keep": torch.zeros(6, 11) > 0},
              next_token_loss, settings())  # fmt: skip


def test_short_numbers_train_nearly_the_same_model():
    exact = train(Small(), BATCHES, next_token_loss, settings(steps=40))
    short = train(Small(), BATCHES, next_token_loss, settings(steps=40, precision="bfloat16"))
    assert short.loss != exact.loss
    assert short.loss == pytest.approx(exact.loss, rel=0.03)


def test_layers_that_take_no_part_do_no_harm():
    class Idle(Small):
        def __init__(self):
            super().__init__()
            self.unused, self.frozen = nn.Linear(3, 3), nn.Linear(2, 2).requires_grad_(False)

    assert train(Idle(), BATCHES, next_token_loss, settings()).loss == train(Small(), BATCHES, next_token_loss, settings()).loss


def test_a_new_history_is_empty():
    assert History().step == 0
