<?php
header('Content-Type: text/plain');
echo gethostname(), "\n";
