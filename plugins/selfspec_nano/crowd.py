"""Sentences that name several organisations beside people and places, for listing the former."""

FRAMES = """
{X}, an analyst at {A}, prefers {B} to {D}.
{A}, {B} and {D} all opened offices in {City} this year.
Trucks built by {A} will carry parcels for {B}.
{X} left {A} in {Month} and now works for {B} in {City}.
The {City} factory of {A} buys its parts from {B}.
Neither {A} nor {B} would comment on the report in {Country}.
{A} will supply {B} with labels until {Year}.
A ship owned by {A} ran aground near {City} with cargo for {B}.
Lawyers for {A} met {X} of {B} in {City} on {Day}.
{A} rents two floors of its tower in {City} to {B}.
The fund sold its shares in {A} and bought {B} instead.
In {Country}, {A} ranks behind {B} and {D} by sales.
{X} founded {A} after nine years at {B}.
{A} and its partner {B} will test buses in {City}.
Customers of {A} can now pay through {B}.
Workers at {A} voted for a strike, while those at {B} accepted the offer.
{A} has hired {X} away from its rival {B}.
Shares in {A} rose on {Day}, but {B} and {D} slipped.
The price asked by {A} was too high for {B}, {X} said.
{A} makes the engines, {B} the wings.
{X} chairs the boards of both {A} and {B}.
A study paid for by {A} finds that {B} has the cheapest tickets in {Country}.
{A} (formerly {B}) will move to {City}.
Auditors from {A} have checked the books of {B} since {Year}.
Software from {A} runs the tills of {B}, {D} and many small shops.
The mayor of {City} thanked {A} for its gift.
{X} drove to {City} to see the new plant of {A}.
{A}, based in {City}, employs {N} people.
A spokeswoman for {A}, {X}, declined to name the buyer.
{A} will close its branch in {City} and keep the one in {Country}.
{A} asked {B} to arrange the sale, and {D} will advise the buyers.
For {X}, who runs {A}, the deal with {B} is a first.
{A} said {B} had paid for {N} tonnes that never arrived in {City}.
The two largest owners of {A} are {B} and {X}.
{A} grew faster than {B} in {Year}, according to {D}.
Under the plan, {A} keeps the brand and {B} gets the land in {City}.
Investors moved money from {A} to {B} after {X} resigned.
{A} licenses the design to {B}, which sells it across {Country}.
"""
ORGANISATION_FRAMES = tuple(FRAMES.strip().split("\n"))
