"""Functions with known derivatives, on which error bounds must hold: smooth ones and those that trap differences."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special as sp

Function = Callable[[Any], Any]


class Case(NamedTuple):
    """A function, its derivative, and where to compare the two."""

    name: str
    f: Function
    derivative: Function
    x: Any
    dtype: str = "float64"


def hashed(x: Any, size: float) -> Any:
    """Return noise that depends on every bit of x."""
    bits = np.asarray(x, dtype=np.float64).view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return size * ((bits >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1)


def weierstrass(terms: int, b: float, slope: bool) -> Function:
    """Return a sum of cosines that oscillate faster and faster, or its derivative."""

    def f(x: Any) -> Any:
        total = 0.0 * x
        for n in range(terms):
            angle = b**n * np.pi * x
            total = total + (-(b**n) * np.pi * np.sin(angle) if slope else np.cos(angle)) / 2**n
        return total

    return f


def line(low: float, high: float, count: int = 40) -> Any:
    """Return points between two numbers that sit on no grid."""
    return np.linspace(low, high, count) + (high - low) * 1e-3 * np.sin(np.arange(count) * 1.7)


def log_line(low: float, high: float, count: int = 40) -> Any:
    """Return points between two numbers, evenly spread over the magnitudes."""
    return np.exp(line(np.log(low), np.log(high), count))


def sech2(x: Any) -> Any:
    return 1 / np.cosh(x) ** 2


def zero(x: Any) -> Any:
    return 0 * x


def one(x: Any) -> Any:
    return 0 * x + 1


def gauss(x: Any) -> Any:
    return np.exp(-(x**2))


def gauss_slope(x: Any) -> Any:
    return -2 * x * np.exp(-(x**2))


def horner(x: Any) -> Any:
    """Return (x - 1)^7, expanded: all its digits cancel near 1."""
    return ((((((x - 7) * x + 21) * x - 35) * x + 35) * x - 21) * x + 7) * x - 1


TINY, SMALL, UNIT, LARGE = log_line(1e-12, 1e-6), log_line(1e-5, 1e-2), line(-2, 2), log_line(1e2, 1e4)
POSITIVE = log_line(0.05, 20)

_SMOOTH: list[tuple[str, Function, Function, Any]] = [
    ("exp", np.exp, np.exp, line(-5, 10)),
    ("exp far", np.exp, np.exp, line(-300, 300)),
    ("sin", np.sin, np.cos, line(-10, 10)),
    ("cos near 0", np.cos, lambda x: -np.sin(x), SMALL),
    ("tan", np.tan, lambda x: 1 / np.cos(x) ** 2, line(-1.5, 1.5)),
    ("log", np.log, lambda x: 1 / x, log_line(1e-3, 1e3)),
    ("log tiny", np.log, lambda x: 1 / x, TINY),
    ("log of 1e-100", np.log, lambda x: 1 / x, log_line(1e-100, 1e-20)),
    ("log1p near -1", np.log1p, lambda x: 1 / (1 + x), -1 + log_line(1e-9, 1e-1)),
    ("sqrt", np.sqrt, lambda x: 0.5 / np.sqrt(x), log_line(1e-3, 1e3)),
    ("sqrt tiny", np.sqrt, lambda x: 0.5 / np.sqrt(x), TINY),
    ("cbrt", np.cbrt, lambda x: np.cbrt(x) / (3 * x), log_line(1e-4, 1e4)),
    ("1/x", lambda x: 1 / x, lambda x: -1 / x**2, log_line(1e-4, 1e4)),
    ("1/x tiny", lambda x: 1 / x, lambda x: -1 / x**2, TINY),
    ("x^2", lambda x: x**2, lambda x: 2 * x, line(-5, 5)),
    ("x^2 large", lambda x: x**2, lambda x: 2 * x, log_line(1e6, 1e12)),
    ("x^2 tiny", lambda x: x**2, lambda x: 2 * x, TINY),
    ("x^3 - 2x", lambda x: x**3 - 2 * x, lambda x: 3 * x**2 - 2, UNIT),
    ("x^10", lambda x: x**10, lambda x: 10 * x**9, UNIT),
    ("x^20 - 1", lambda x: x**20 - 1, lambda x: 20 * x**19, line(0.5, 1.5)),
    ("a parabola", lambda x: 0.01 * x**2 + 0.1 * x, lambda x: 0.02 * x + 0.1, line(-20, 20)),
    ("constant", lambda x: 0 * x + 3.7, zero, UNIT),
    ("line", lambda x: 3 * x - 1, lambda x: 0 * x + 3, line(-1e3, 1e3)),
    ("gauss", gauss, gauss_slope, line(-3, 3)),
    ("gauss at 6", gauss, gauss_slope, line(5.5, 6.5)),
    ("x exp(-x^2)", lambda x: x * gauss(x), lambda x: (1 - 2 * x**2) * gauss(x), line(-2.5, 2.5)),
    ("tanh", np.tanh, sech2, line(-4, 4)),
    ("tanh saturated", np.tanh, sech2, line(10, 30)),
    ("logistic", sp.expit, lambda x: sp.expit(x) * sp.expit(-x), line(-10, 10)),
    ("logistic saturated", sp.expit, lambda x: sp.expit(x) * sp.expit(-x), line(30, 60)),
    ("softplus", lambda x: np.logaddexp(0, x), sp.expit, line(-20, 20)),
    ("log cosh", lambda x: np.logaddexp(x, -x) - np.log(2), np.tanh, line(-6, 6)),
    ("arctan", np.arctan, lambda x: 1 / (1 + x**2), line(-20, 20)),
    ("arcsin", np.arcsin, lambda x: 1 / np.sqrt(1 - x**2), line(-0.99, 0.99)),
    ("arcsinh", np.arcsinh, lambda x: 1 / np.sqrt(1 + x**2), line(-50, 50)),
    ("arccosh", np.arccosh, lambda x: 1 / np.sqrt(x**2 - 1), 1 + log_line(1e-3, 10)),
    ("Runge", lambda x: 1 / (1 + 25 * x**2), lambda x: -50 * x / (1 + 25 * x**2) ** 2, UNIT),
    ("x^x", lambda x: x**x, lambda x: x**x * (np.log(x) + 1), line(0.1, 4)),
    ("sin(x)/x", lambda x: np.sin(x) / x, lambda x: (x * np.cos(x) - np.sin(x)) / x**2, line(0.5, 30)),
    ("x sin x", lambda x: x * np.sin(x), lambda x: np.sin(x) + x * np.cos(x), line(-9, 9)),
    ("exp sin", lambda x: np.exp(np.sin(x)), lambda x: np.cos(x) * np.exp(np.sin(x)), line(-6, 6)),
    ("log log", lambda x: np.log(np.log(x)), lambda x: 1 / (x * np.log(x)), log_line(1.5, 1e5)),
    ("x log x", lambda x: x * np.log(x), lambda x: np.log(x) + 1, log_line(1e-6, 10)),
    ("sqrt(1 + x^2)", lambda x: np.sqrt(1 + x**2), lambda x: x / np.sqrt(1 + x**2), line(-5, 5)),
    ("exp(x/1000)", lambda x: np.exp(x / 1e3), lambda x: np.exp(x / 1e3) / 1e3, line(-5, 5)),
    ("exp(-1/x)", lambda x: np.exp(-1 / x), lambda x: np.exp(-1 / x) / x**2, log_line(0.02, 5)),
    ("(1 + x)^50", lambda x: (1 + x) ** 50, lambda x: 50 * (1 + x) ** 49, line(-0.5, 0.5)),
    ("10^x", lambda x: 10.0**x, lambda x: np.log(10) * 10.0**x, line(-5, 5)),
    ("sin of a small part of x", lambda x: np.sin(x / 1e4), lambda x: np.cos(x / 1e4) / 1e4, line(-10, 10)),
    ("f scaled by 1e200", lambda x: 1e200 * np.sin(x), lambda x: 1e200 * np.cos(x), line(-2, 2)),
    ("f scaled by 1e-200", lambda x: 1e-200 * np.sin(x), lambda x: 1e-200 * np.cos(x), line(-2, 2)),
    ("1e8 + sin", lambda x: 1e8 + np.sin(x), np.cos, UNIT),
    ("1e8 + 1e-9 sin", lambda x: 1e8 + 1e-9 * np.sin(x), lambda x: 1e-9 * np.cos(x), UNIT),
    ("(x - 1)^7 expanded", horner, lambda x: 7 * (x - 1) ** 6, line(0.5, 2)),
    ("(x - 1)^7", lambda x: (x - 1) ** 7, lambda x: 7 * (x - 1) ** 6, line(0.5, 2)),
    ("mean of cosines", lambda x: sum(np.cos(x / k) for k in range(1, 200)) / 200,
     lambda x: -sum(np.sin(x / k) / k for k in range(1, 200)) / 200, line(-3, 3)),
]  # fmt: skip

_SPECIAL: list[tuple[str, Function, Function, Any]] = [
    ("erf", sp.erf, lambda x: 2 / np.sqrt(np.pi) * gauss(x), line(-3, 3)),
    ("erfc", sp.erfc, lambda x: -2 / np.sqrt(np.pi) * gauss(x), line(0, 8)),
    ("normal distribution", sp.ndtr, lambda x: gauss(x / np.sqrt(2)) / np.sqrt(2 * np.pi), line(-5, 5)),
    ("normal quantile", sp.ndtri, lambda p: np.sqrt(2 * np.pi) * np.exp(sp.ndtri(p) ** 2 / 2), line(0.02, 0.98)),
    ("gamma", sp.gamma, lambda x: sp.gamma(x) * sp.digamma(x), line(0.3, 20)),
    ("log gamma", sp.gammaln, sp.digamma, log_line(0.05, 500)),
    ("digamma", sp.digamma, lambda x: sp.polygamma(1, x), log_line(0.1, 50)),
    ("beta(x, 2.5)", lambda x: sp.beta(x, 2.5),
     lambda x: sp.beta(x, 2.5) * (sp.digamma(x) - sp.digamma(x + 2.5)), line(0.3, 8)),
    ("J0", sp.j0, lambda x: -sp.j1(x), line(0, 30)),
    ("J0 at 1e4", sp.j0, lambda x: -sp.j1(x), line(1e4, 1.01e4)),
    ("J1", sp.j1, lambda x: sp.j0(x) - sp.j1(x) / x, line(0.1, 30)),
    ("J of order 2.5", lambda x: sp.jv(2.5, x), lambda x: sp.jvp(2.5, x), line(0.2, 40)),
    ("Y0", sp.y0, lambda x: -sp.y1(x), log_line(0.05, 30)),
    ("I0 scaled", sp.i0e, lambda x: sp.i1e(x) - sp.i0e(x), line(0.2, 40)),
    ("K0", sp.k0, lambda x: -sp.k1(x), log_line(0.01, 30)),
    ("Airy", lambda x: sp.airy(x)[0], lambda x: sp.airy(x)[1], line(-15, 5)),
    ("Dawson", sp.dawsn, lambda x: 1 - 2 * x * sp.dawsn(x), line(-6, 6)),
    ("Fresnel", lambda x: sp.fresnel(x)[0], lambda x: np.sin(np.pi * x**2 / 2), line(-5, 5)),
    ("sine integral", lambda x: sp.sici(x)[0], lambda x: np.sin(x) / x, line(0.5, 40)),
    ("exponential integral", sp.exp1, lambda x: -np.exp(-x) / x, log_line(0.01, 20)),
    ("Lambert W", lambda x: np.real(sp.lambertw(x)), lambda x: 1 / (x + np.exp(np.real(sp.lambertw(x)))),
     log_line(0.01, 100)),
    ("elliptic K", sp.ellipk, lambda m: (sp.ellipe(m) - (1 - m) * sp.ellipk(m)) / (2 * m * (1 - m)), line(0.1, 0.9)),
    ("dilogarithm", sp.spence, lambda x: np.log(x) / (1 - x), np.concatenate([line(0.1, 0.9), line(1.2, 8)])),
    ("incomplete gamma", lambda x: sp.gammainc(3.5, x), lambda x: x**2.5 * np.exp(-x) / sp.gamma(3.5), line(0.2, 15)),
    ("incomplete beta", lambda x: sp.betainc(2.5, 1.5, x),
     lambda x: x**1.5 * (1 - x) ** 0.5 / sp.beta(2.5, 1.5), line(0.05, 0.95)),
    ("Legendre P10", lambda x: sp.eval_legendre(10, x),
     lambda x: 10 * (x * sp.eval_legendre(10, x) - sp.eval_legendre(9, x)) / (x**2 - 1), line(-0.9, 0.9)),
    ("Chebyshev T20", lambda x: sp.eval_chebyt(20, x), lambda x: 20 * sp.eval_chebyu(19, x), line(-0.95, 0.95)),
]  # fmt: skip

_FAST: list[tuple[str, Function, Function, Any]] = [
    ("sin at 1e3", np.sin, np.cos, line(1e3, 1.01e3)),
    ("sin at 1e6", np.sin, np.cos, 1e6 + np.arange(20.0)),
    ("sin at 1e10", np.sin, np.cos, 1e10 + np.arange(20.0)),
    ("cos at 1e5", np.cos, lambda x: -np.sin(x), line(1e5, 1.1e5)),
    ("sin(100 x)", lambda x: np.sin(100 * x), lambda x: 100 * np.cos(100 * x), line(0.5, 3)),
    ("sin(1e4 x)", lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x), line(0.5, 3)),
    ("sin(1e7 x)", lambda x: np.sin(1e7 * x), lambda x: 1e7 * np.cos(1e7 * x), line(0.5, 3)),
    ("sin(2 pi 1024 x) on a grid", lambda x: np.sin(2048 * np.pi * x),
     lambda x: 2048 * np.pi * np.cos(2048 * np.pi * x), np.arange(1.0, 9.0)),
    ("x + 1e-3 sin(1e5 x)", lambda x: x + 1e-3 * np.sin(1e5 * x), lambda x: 1 + 100 * np.cos(1e5 * x), UNIT),
    ("sin + 1e-6 sin(1e4 x)", lambda x: np.sin(x) + 1e-6 * np.sin(1e4 * x),
     lambda x: np.cos(x) + 1e-2 * np.cos(1e4 * x), UNIT),
    ("sin + 1e-12 sin(1e9 x)", lambda x: np.sin(x) + 1e-12 * np.sin(1e9 * x),
     lambda x: np.cos(x) + 1e-3 * np.cos(1e9 * x), UNIT),
    ("exp(-x) sin(200 x)", lambda x: np.exp(-x) * np.sin(200 * x),
     lambda x: np.exp(-x) * (200 * np.cos(200 * x) - np.sin(200 * x)), line(0.1, 3)),
    ("sin(x^2) at 1e3", lambda x: np.sin(x**2), lambda x: 2 * x * np.cos(x**2), line(1e3, 1.001e3)),
    ("sin(x^2)", lambda x: np.sin(x**2), lambda x: 2 * x * np.cos(x**2), line(1, 30)),
    ("sin(1/x)", lambda x: np.sin(1 / x), lambda x: -np.cos(1 / x) / x**2, log_line(1e-3, 1)),
    ("sin(exp x)", lambda x: np.sin(np.exp(x)), lambda x: np.exp(x) * np.cos(np.exp(x)), line(0, 8)),
    ("sin log x", lambda x: np.sin(20 * np.log(x)), lambda x: 20 * np.cos(20 * np.log(x)) / x, log_line(1e-6, 1e6)),
    ("Weierstrass, 6 terms", weierstrass(6, 7, False), weierstrass(6, 7, True), UNIT),
    ("Weierstrass, 12 terms", weierstrass(12, 3, False), weierstrass(12, 3, True), UNIT),
    ("Weierstrass, 25 terms", weierstrass(25, 7, False), weierstrass(25, 7, True), UNIT),
    ("beat", lambda x: np.sin(50 * x) * np.sin(51 * x),
     lambda x: 50 * np.cos(50 * x) * np.sin(51 * x) + 51 * np.sin(50 * x) * np.cos(51 * x), line(1, 4)),
    ("logistic around 1000", lambda x: sp.expit(x - 1e3), lambda x: sp.expit(x - 1e3) * sp.expit(1e3 - x),
     line(990, 1010)),
    ("exp(x - 1e6)", lambda x: np.exp(x - 1e6), lambda x: np.exp(x - 1e6), 1e6 + line(-3, 3)),
    ("bump at 1.7e9", lambda x: np.exp(-(((x - 1.7e9) / 10) ** 2)),
     lambda x: -(x - 1.7e9) / 50 * np.exp(-(((x - 1.7e9) / 10) ** 2)), 1.7e9 + line(-40, 40)),
    ("1 + bump at 1.7e9", lambda x: 1 + np.exp(-(((x - 1.7e9) / 10) ** 2)),
     lambda x: -(x - 1.7e9) / 50 * np.exp(-(((x - 1.7e9) / 10) ** 2)), 1.7e9 + line(-40, 40)),
    ("hour of the day", lambda x: np.sin(2 * np.pi * (x % 86400) / 86400),
     lambda x: 2 * np.pi / 86400 * np.cos(2 * np.pi * (x % 86400) / 86400), 1.7e9 + line(0, 86400)),
    ("tanh((x - 1)/1e-6)", lambda x: np.tanh((x - 1) / 1e-6), lambda x: sech2((x - 1) / 1e-6) / 1e-6,
     1 + line(-4e-6, 4e-6)),
    ("tanh((x - 1)/1e-3)", lambda x: np.tanh((x - 1) / 1e-3), lambda x: sech2((x - 1) / 1e-3) / 1e-3,
     1 + line(-4e-3, 4e-3)),
    ("tanh(x/1e-6) near 0", lambda x: np.tanh(x / 1e-6), lambda x: sech2(x / 1e-6) / 1e-6, line(-3e-6, 3e-6)),
    ("sin + a narrow wiggle", lambda x: np.sin(x) + (x - 1) * gauss((x - 1) / 1e-4),
     lambda x: np.cos(x) + (1 - 2 * ((x - 1) / 1e-4) ** 2) * gauss((x - 1) / 1e-4), 1 + line(-3e-4, 3e-4)),
    ("sin + a narrow wiggle, at its middle", lambda x: np.sin(x) + (x - 1) * gauss((x - 1) / 1e-4),
     lambda x: np.cos(x) + (1 - 2 * ((x - 1) / 1e-4) ** 2) * gauss((x - 1) / 1e-4), np.asarray([1.0])),
    ("narrow Lorentzian", lambda x: 1 / (1 + ((x - 2) / 1e-5) ** 2),
     lambda x: -2 * (x - 2) / 1e-10 / (1 + ((x - 2) / 1e-5) ** 2) ** 2, 2 + line(-5e-5, 5e-5)),
    ("sqrt(x^2 + 1e-12)", lambda x: np.sqrt(x**2 + 1e-12), lambda x: x / np.sqrt(x**2 + 1e-12), line(-1e-5, 1e-5)),
    ("1/(x - 1) close by", lambda x: 1 / (x - 1), lambda x: -1 / (x - 1) ** 2, 1 + log_line(1e-7, 1e-2)),
    ("tan near its pole", np.tan, lambda x: 1 / np.cos(x) ** 2, np.pi / 2 - log_line(1e-5, 1e-2)),
    ("log(1 + x/1e-9)", lambda x: np.log1p(x / 1e-9), lambda x: 1 / (1e-9 + x), log_line(1e-12, 1e-6)),
]  # fmt: skip

_ROUGH: list[tuple[str, Function, Function, Any]] = [
    ("|x|", np.abs, np.sign, UNIT),
    ("|x| close to 0", np.abs, np.sign, SMALL),
    ("relu", lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), UNIT),
    ("leaky relu", lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01), UNIT),
    ("|sin 10 x|", lambda x: np.abs(np.sin(10 * x)), lambda x: 10 * np.cos(10 * x) * np.sign(np.sin(10 * x)), UNIT),
    ("sin + 1e-3 |x - 1|", lambda x: np.sin(x) + 1e-3 * np.abs(x - 1),
     lambda x: np.cos(x) + 1e-3 * np.sign(x - 1), 1 + log_line(1e-6, 1e-1)),
    ("|x|^1.5", lambda x: np.abs(x) ** 1.5, lambda x: 1.5 * np.sign(x) * np.abs(x) ** 0.5, np.append(UNIT, 0.0)),
    ("|x|^1.5 at 0", lambda x: np.abs(x) ** 1.5, zero, np.zeros(1)),
    ("x|x|", lambda x: x * np.abs(x), lambda x: 2 * np.abs(x), np.append(UNIT, 0.0)),
    ("x|x| at 0", lambda x: x * np.abs(x), zero, np.zeros(1)),
    ("x|x| close to 0", lambda x: x * np.abs(x), lambda x: 2 * np.abs(x), TINY),
    ("|x|^3", lambda x: np.abs(x) ** 3, lambda x: 3 * x * np.abs(x), UNIT),
    ("sign", np.sign, zero, UNIT),
    ("step far away", lambda x: np.where(x > 1.01, 1.0, 0.0), zero, line(0.5, 1)),
    ("sin + a step", lambda x: np.sin(x) + (x > 0.7), np.cos, line(0.3, 1.2)),
    ("sin + a small step", lambda x: np.sin(x) + 1e-9 * (x > 0.7), np.cos, line(0.5, 0.9)),
    ("floor(1e6 x)/1e6", lambda x: np.floor(1e6 * x) / 1e6, zero, UNIT),
    ("floor(10 x)/10", lambda x: np.floor(10 * x) / 10, zero, UNIT),
    ("round(sin, 4)", lambda x: np.round(np.sin(x), 4), zero, UNIT),
    ("round(sin, 12)", lambda x: np.round(np.sin(x), 12), zero, UNIT),
    ("x + floor(1e6 x)/1e6", lambda x: x + np.floor(1e6 * x) / 1e6, one, UNIT),
    ("(x + 1e8) - 1e8", lambda x: (x + 1e8) - 1e8, one, UNIT),
    ("(sin + 1e6) - 1e6", lambda x: (np.sin(x) + 1e6) - 1e6, np.cos, UNIT),
    ("sin in float32", lambda x: np.sin(x).astype(np.float32).astype(np.float64), np.cos, UNIT),
    ("sin of x in float32", lambda x: np.sin(x.astype(np.float32)).astype(np.float64), np.cos, UNIT),
    ("sin in float16", lambda x: np.sin(x).astype(np.float16).astype(np.float64), np.cos, UNIT),
    ("(1 - cos x)/x^2", lambda x: (1 - np.cos(x)) / x**2,
     lambda x: (x * np.sin(x) - 2 * (1 - np.cos(x))) / x**3, line(0.1, 3)),
    ("(1 - cos x)/x^2 at 1e-4", lambda x: (1 - np.cos(x)) / x**2, lambda x: -x / 12 + x**3 / 180, log_line(3e-5, 3e-4)),
    ("(exp(x) - 1)/x", lambda x: (np.exp(x) - 1) / x, lambda x: 0.5 + x / 3 + x**2 / 8 + x**3 / 30,
     log_line(1e-6, 1e-3)),
    ("saw", lambda x: x % 0.1, one, line(1.003, 2.007, 23)),
    *((f"sin + noise of {size:g}", lambda x, s=size: np.sin(x) + hashed(x, s), np.cos, line(0.2, 3))
      for size in (1e-14, 1e-12, 1e-10, 1e-8, 1e-4)),
    ("noise", lambda x: hashed(x, 1.0), zero, UNIT),
    ("x^2 (1 + noise of 1e-10)", lambda x: x**2 * (1 + hashed(x, 1e-10)), lambda x: 2 * x, line(0.5, 3)),
    ("exp + frozen noise", lambda x: np.exp(x) + 1e-9 * np.sin(1e3 * np.floor(1e5 * x)), np.exp, UNIT),
]  # fmt: skip

_FLOAT32: list[tuple[str, Function, Function, Any]] = [
    ("sin", np.sin, np.cos, line(-3, 3)),
    ("sin at 1e3", np.sin, np.cos, line(1e3, 1.01e3)),
    ("sin at 1e4", np.sin, np.cos, line(1e4, 1.01e4)),
    ("exp", np.exp, np.exp, line(-5, 5)),
    ("log", np.log, lambda x: 1 / x, log_line(1e-3, 1e3)),
    ("log tiny", np.log, lambda x: 1 / x, log_line(1e-9, 1e-4)),
    ("1/x", lambda x: 1 / x, lambda x: -1 / x**2, log_line(1e-2, 1e2)),
    ("sqrt", np.sqrt, lambda x: 0.5 / np.sqrt(x), log_line(1e-4, 1e2)),
    ("tanh", np.tanh, sech2, line(-4, 4)),
    ("gauss", gauss, gauss_slope, line(-3, 3)),
    ("x^2", lambda x: x * x, lambda x: 2 * x, line(-5, 5)),
    ("relu", lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), line(-2, 2)),
    ("floor(100 x)/100", lambda x: np.floor(100 * x) / np.float32(100), zero, line(-2, 2)),
    ("sin(100 x)", lambda x: np.sin(100 * x), lambda x: 100 * np.cos(100 * x), line(0.5, 3)),
    ("sin(1e4 x)", lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x), line(0.5, 3)),
    ("tanh((x - 1)/1e-3)", lambda x: np.tanh((x - 1) * 1000), lambda x: 1000 * sech2((x - 1) * 1000),
     1 + line(-3e-3, 3e-3)),
    ("logistic around 100", lambda x: sp.expit(x - 100), lambda x: sp.expit(x - 100) * sp.expit(100 - x),
     line(95, 105)),
    ("J0", sp.j0, lambda x: -sp.j1(x), line(0, 30)),
]  # fmt: skip

CASES = [
    *(Case(*case) for case in (*_SMOOTH, *_SPECIAL, *_FAST, *_ROUGH)),
    *(Case(f"{name}, float32", f, slope, x, "float32") for name, f, slope, x in _FLOAT32),
]
