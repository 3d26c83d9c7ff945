"""The pictures of the chapter, each drawn to a PNG file from numbers on the host."""

import numpy as np

from xpnet.pictures import BLUE, INK, ORANGE, new_figure, write_figure

GREEN = "#3f8f5b"


def tangent_lines(f, slope_at, path):
    """Draw a function and its tangents, given their slopes by x."""
    figure, [axes] = new_figure(7, 4.2)
    x = np.linspace(0, 20, 201)
    axes.plot(x, f(x), color=INK, linewidth=1.8, label="f(x) = 0.01 x² + 0.1 x")
    for (at, slope), color in zip(slope_at.items(), (BLUE, ORANGE), strict=True):
        axes.plot(x, f(at) + slope * (x - at), "--", color=color, label=f"tangent at x = {at:.0f}, slope {slope:.4f}")
        axes.plot(at, f(at), "o", color=color)
    axes.set(title="A function and its tangent lines", xlabel="x", ylabel="f(x)", xlim=(0, 20), ylim=(-1.5, 6.2))
    axes.legend(frameon=False, loc="upper left")
    write_figure(figure, path)


def gradient_field(points, gradients, path):
    """Draw the negative gradient of x0² + x1² as an arrow at every point."""
    figure, [axes] = new_figure(7, 4.8)
    (x0, x1), (g0, g1) = np.transpose(points), np.transpose(gradients)
    arrows = axes.quiver(x0, x1, -g0, -g1, color=BLUE, angles="xy", width=0.005)
    axes.quiverkey(arrows, 1.09, 0.88, 4, "length 4", labelpos="E", coordinates="axes")
    axes.plot(0, 0, "o", color=ORANGE, label="minimum")
    axes.set(title="Negative gradient of x0² + x1²", xlabel="x0", ylabel="x1", aspect="equal")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    write_figure(figure, path)


def descent(paths, path):
    """Draw the paths of gradient descent, by learning rate, on the contours of x0² + x1², and how far they are off."""
    figure, (contours, distances) = new_figure(9.5, 4.6, columns=2)
    right, small, large = (paths[rate] for rate in (0.1, 1e-10, 10.0))
    x0, x1 = np.meshgrid(np.linspace(-5, 5, 101), np.linspace(-5, 5, 101))
    radii = np.arange(1, 7)
    levels = contours.contour(x0, x1, x0**2 + x1**2, levels=radii**2, colors=INK, linewidths=0.6, alpha=0.5)
    contours.clabel(levels, fontsize=8, manual=[(0.7 * radius, 0.7 * radius) for radius in radii])
    leap = f"rate 10: leaps to ({large[1][0]:.0f}, {large[1][1]:.0f})"
    contours.plot(*large[:2].T, color=ORANGE, alpha=0.4, linewidth=5, label=leap)
    contours.plot(*right.T, "o-", color=BLUE, markersize=4, linewidth=1, label="rate 0.1: arrives")
    contours.plot(*small.T, "s", color=GREEN, markersize=10, markerfacecolor="none", label="rate 1e-10: stays")
    contours.set(title="Paths on the contours of x0² + x1²", xlabel="x0", ylabel="x1", aspect="equal")
    contours.set(xlim=(-5, 5), ylim=(-5, 5))
    contours.legend(loc="lower left", fontsize=9, framealpha=1)

    for steps, style, color, label in (
        (large, "-", ORANGE, "rate 10: too large"),
        (small, "--", GREEN, "rate 1e-10: too small"),
        (right, "-", BLUE, "rate 0.1"),
    ):
        distances.semilogy(np.hypot(*steps.T), style, color=color, label=label)
    distances.set(title="Distance from the minimum", xlabel="steps", ylabel="distance")
    distances.set(xlim=(0, 100), ylim=(1e-12, 1e20))
    distances.legend(frameon=False, loc="center right")
    write_figure(figure, path)


def two_curves(curves, path):
    """Draw the loss of every mini-batch by both gradients."""
    figure, [axes] = new_figure(7, 3.8)
    steps = np.arange(1, len(curves["numerical"]) + 1)
    axes.plot(steps, curves["backpropagation"], color=BLUE, alpha=0.4, linewidth=5, label="backpropagation")
    axes.plot(steps, curves["numerical"], color=ORANGE, linewidth=1.4, label="numerical gradient")
    axes.set(title="Training with two gradients", xlabel="iteration (mini-batches)")
    axes.set(ylabel="loss (cross-entropy, nats)", ylim=(0, None))
    axes.legend(frameon=False)
    write_figure(figure, path)
