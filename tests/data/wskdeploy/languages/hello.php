<?php function main($args) { return []; }
